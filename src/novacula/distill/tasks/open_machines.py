"""The open suite, first part: languages, protocols and machines, bounded stacks. Written before any was distilled."""

from novacula.distill.tasks.open_task import OpenTask, both, machine

_TOMITA = "Tomita, Dynamic construction of finite automata from examples, 1982"
_STEFFEN = "Steffen, Howar and Merten, Introduction to Active Automata Learning, 2011"
_WIKI = "Neider and others, Benchmarks for Automata Learning and Conformance Testing, 2019"
_HOPCROFT = "Hopcroft, Motwani and Ullman, Introduction to Automata Theory"


def _odd_runs(s: str, x: int) -> tuple[str, int]:
    """Runs of ones and zeros: ``even``, ``odd`` ones, ``zeros`` after odd ones and their parity, ``dead``."""
    after = {
        "even": ("even", "odd"),
        "odd": ("zeros odd", "even"),
        "zeros odd": ("zeros even", "dead"),
        "zeros even": ("zeros odd", "odd"),
        "dead": ("dead", "dead"),
    }[s][x]
    return after, int(after not in ("dead", "zeros odd"))


def _word(pattern: tuple[int, ...], high: int = 1) -> OpenTask:
    """Whether the last inputs are a word."""
    return OpenTask(
        f"{_HOPCROFT}: words that end with {''.join(map(str, pattern))}",
        (),
        lambda s, x: ((*s, x)[1 - len(pattern) :], int((*s, x) == pattern)),
        high=high,
    )


LANGUAGES = {
    "tomita_1": OpenTask(f"{_TOMITA}: 1*", 1, lambda s, x: both(s & x)),
    "tomita_2": OpenTask(
        f"{_TOMITA}: (10)*", 0, lambda s, x: (t := {(0, 1): 1, (1, 0): 0}.get((s, x), 2), int(t == 0))
    ),
    "tomita_3": OpenTask(f"{_TOMITA}: no odd run of zeros after an odd run of ones", "even", _odd_runs),
    "tomita_4": OpenTask(f"{_TOMITA}: no 000", 0, lambda s, x: (t := s if s == 3 else 0 if x else s + 1, int(t < 3))),
    "tomita_5": OpenTask(
        f"{_TOMITA}: even numbers of zeros and of ones",
        (0, 0),
        lambda s, x: (t := (s[0] ^ x, s[1] ^ 1 ^ x), int(t == (0, 0))),
    ),
    "tomita_6": OpenTask(
        f"{_TOMITA}: ones minus zeros, divisible by 3", 0, lambda s, x: (t := (s + 2 * x - 1) % 3, int(t == 0))
    ),
    "tomita_7": OpenTask(f"{_TOMITA}: 0*1*0*1*", 0, lambda s, x: (t := min(4, s + (s % 2 != x)), int(t < 4))),
    "ends_1101": _word((1, 1, 0, 1)),
    "ends_010_of_three": _word((0, 1, 0), 2),
    "exactly_two_ones": OpenTask(f"{_HOPCROFT}: exactly two ones", 0, lambda s, x: (t := min(3, s + x), int(t == 2))),
    "starts_as_ends": OpenTask(
        f"{_HOPCROFT}: words that end as they begin",
        None,
        lambda s, x: (t := x if s is None else s, int(t == x)),
        high=2,
    ),
    "all_letters_seen": OpenTask(
        f"{_HOPCROFT}: words with every letter", frozenset(), lambda s, x: (t := s | {x}, int(len(t) == 3)), high=2
    ),
}

PROTOCOLS = {
    "coffee_machine": machine(
        f"{_STEFFEN}: the coffee machine",
        "error",
        """
        empty: water/ok>water pod/ok>pod clean/ok
        water: water/ok pod/ok>ready clean/ok>empty
        pod: pod/ok water/ok>ready clean/ok>empty
        ready: water/ok pod/ok button/coffee>used clean/ok>empty
        used: clean/ok>empty
        """,
    ),
    "mqtt_client": machine(
        f"{_WIKI}: MQTT brokers (Tappler, Aichernig and Bloem, 2017)",
        "closed",
        """
        off: connect/connack>on
        on: connect/closed>off publish/puback subscribe/suback>listening disconnect/closed>off
        listening: connect/closed>off publish/message subscribe/suback unsubscribe/unsuback>on disconnect/closed>off
        """,
    ),
    "tcp_server": machine(
        f"{_WIKI}: TCP servers (Fiterau-Brostean, Janssen and Vaandrager, 2016); RFC 793",
        "-",
        """
        listen: SYN/SYN+ACK>received ACK/RST FIN/-
        received: SYN/- ACK/->open FIN/- RST/->listen
        open: SYN/ACK DATA/ACK FIN/ACK>half RST/->listen
        half: ACK/- DATA/RST>listen RST/->listen
        """,
    ),
    "alternating_bit_sender": machine(
        "Bartlett, Scantlebury and Wilkinson, A note on reliable full-duplex transmission, 1969",
        "-",
        """
        idle0: send/frame0>wait0
        wait0: ack0/done>idle1 timeout/frame0
        idle1: send/frame1>wait1
        wait1: ack1/done>idle0 timeout/frame1
        """,
    ),
    "tls_handshake": machine(
        f"{_WIKI}: TLS servers (de Ruiter and Poll, 2015)",
        "alert",
        """
        start: hello/server_hello>hello
        hello: key/->key
        key: cipher/->cipher
        cipher: finished/finished>open
        open: data/data close/close>closed
        closed: close/-
        """,
    ),
    "ssh_login": machine(
        f"{_WIKI}: SSH servers (Fiterau-Brostean and others, 2017)",
        "unimplemented",
        """
        start: kex/kex>keys
        keys: newkeys/->service
        service: service/accept>auth
        auth: wrong/failure right/success>user
        user: open/confirmed>channel wrong/- right/-
        channel: open/failed data/success close/closed>user
        """,
    ),
    "bank_card": machine(
        f"{_WIKI}: bank cards (Aarts, de Ruiter and Poll, 2013)",
        "error",
        """
        start: select/ok>three
        three: select/ok right/ok>open wrong/two_left>two
        two: select/ok right/ok>open wrong/one_left>one
        one: select/ok right/ok>open wrong/blocked>blocked
        open: select/ok>three right/ok wrong/two_left>two generate/cryptogram>start
        blocked: select/blocked right/blocked wrong/blocked
        """,
    ),
    "atm": machine(
        "The automated teller machine of textbooks on UML state charts",
        "-",
        """
        idle: card/pin?>asked
        asked: pin/menu>menu wrong/pin?>again cancel/card>idle
        again: pin/menu>menu wrong/kept>idle cancel/card>idle
        menu: cash/money>done balance/shown cancel/card>idle
        done: balance/shown>menu cancel/card>idle
        """,
    ),
    "passport": machine(
        f"{_WIKI}: the biometric passport (Aarts, Schmaltz and Vaandrager, 2010)",
        "nok",
        """
        start: reset/ok challenge/ok>asked
        asked: reset/ok>start challenge/ok authenticate/ok>open
        open: reset/ok>start challenge/nok>start read/ok verify/ok>verified
        verified: reset/ok>start read/ok
        """,
    ),
    "sip_callee": machine(
        f"{_WIKI}: SIP (Aarts, Jonsson and Uijen, 2010); RFC 3261",
        "481",
        """
        idle: INVITE/180>ringing
        ringing: INVITE/180 pick_up/200>answered CANCEL/487>idle
        answered: ACK/->talking INVITE/200
        talking: BYE/200>idle INVITE/200>answered ACK/-
        """,
    ),
    "car_alarm": machine(
        f"{_WIKI}: the car alarm (Aichernig and others, 2009), without its clocks",
        "-",
        """
        open: close/->closed lock/->open_locked
        closed: open/->open lock/armed>armed
        open_locked: close/armed>armed unlock/->open
        armed: unlock/disarmed>closed open/alarm>alarm
        alarm: unlock/silent>open
        """,
    ),
    "pedestrian_light": machine(
        "The pedestrian light of Lee and Seshia, Introduction to Embedded Systems",
        "-",
        """
        green: tick/green press/wait>waiting
        waiting: tick/yellow>yellow press/wait
        yellow: tick/red>red press/wait
        red: tick/red_again>red2 press/-
        red2: tick/green>green press/wait>red3
        red3: tick/green>waiting press/wait
        """,
    ),
    "mutex_of_two": machine(
        "Mutual exclusion of two clients, as in Clarke, Grumberg and Peled, Model Checking",
        "refused",
        """
        free: ask1/granted>first ask2/granted>second
        first: ask2/queued>second_waits free1/->free
        second: ask1/queued>first_waits free2/->free
        second_waits: free1/granted2>second
        first_waits: free2/granted1>first
        """,
    ),
}


def _elevator(s: int, x: int) -> tuple[int, int]:
    """Moves a floor a step toward the floor that is asked for."""
    return both(s + (x > s) - (x < s))


def _elevator_door(s: tuple[int, int], x: str) -> tuple[tuple[int, int], str]:
    floor, opened = s
    if x == "door":
        return (floor, 1 - opened), "closed" if opened else "opened"
    after = min(2, max(0, floor + (1 if x == "up" else -1)))
    return (s, "refused") if opened or after == floor else ((after, 0), f"floor{after}")


def _called_elevator(s: tuple[int, int], x: int) -> tuple[tuple[int, int], int]:
    """Remembers the last call (0: none) until it is there: floor, destination."""
    floor, goal = s
    goal = x - 1 if x else goal
    floor += (goal > floor) - (goal < floor)
    return (floor, goal), floor


def _vending(s: int, x: int) -> tuple[int, tuple[int, int]]:
    """Coins of 1 and 2, a drink at 4; x = 0 gives the coins back. Puts out the drink and the change."""
    total = s + x
    if x == 0:
        return 0, (0, s)
    return (0, (1, total - 4)) if total >= 4 else (total, (0, 0))


def _go_back_n(s: tuple[int, int], x: str) -> tuple[tuple[int, int], str]:
    """A sender with a window of two and numbers modulo 3: the oldest frame that waits, and how many do."""
    base, waiting = s
    if x == "send":
        return ((base, waiting + 1), f"frame{(base + waiting) % 3}") if waiting < 2 else (s, "full")
    if x == "timeout":
        return s, f"again{waiting}" if waiting else "-"
    return (((base + 1) % 3, waiting - 1), "ok") if waiting else (s, "-")


DEVICES = {
    "elevator": OpenTask("An elevator of four floors, a floor a step (Lee and Seshia)", 0, _elevator, high=3),
    "elevator_door": OpenTask(
        f"{_WIKI}: the elevator, with a door", (0, 0), _elevator_door, words=("up", "down", "door")
    ),
    "called_elevator": OpenTask(
        "An elevator of three floors that remembers the last call", (0, 0), _called_elevator, high=3
    ),
    "vending_machine": OpenTask("The vending machine of textbooks: a drink costs 4", 0, _vending, high=2),
    "go_back_n": OpenTask(
        "Go-back-N with window 2 (Tanenbaum, Computer Networks)", (0, 0), _go_back_n, words=("send", "ack", "timeout")
    ),
}


def _dyck(depth: int, kinds: int) -> OpenTask:
    """Brackets of some kinds: 2 k opens, 2 k + 1 closes. 1 where all is closed, 0 where not; -1 for good once wrong."""

    def step(s: tuple[int, ...] | None, x: int) -> tuple[tuple[int, ...] | None, int]:
        kind = x // 2
        if s is None or (x % 2 and s[-1:] != (kind,)) or (not x % 2 and len(s) == depth):
            return None, -1
        after = s[:-1] if x % 2 else (*s, kind)
        return after, int(not after)

    return OpenTask(
        f"Dyck words of {kinds} kinds of brackets, depth {depth} (Hewitt and others, 2020)",
        (),
        step,
        high=2 * kinds - 1,
    )


def _bit_stack(s: tuple[int, ...], x: int) -> tuple[tuple[int, ...], int]:
    """0 and 1 are pushed onto a stack of two, 2 pops; what does not fit is lost. Puts out what is popped, else -1."""
    if x == 2:
        return s[:-1], s[-1] if s else -1
    return ((*s, x), -1) if len(s) < 2 else (s, -1)


def _bit_queue(s: tuple[int, ...], x: int) -> tuple[tuple[int, ...], int]:
    """The same with a queue."""
    if x == 2:
        return s[1:], s[0] if s else -1
    return ((*s, x), -1) if len(s) < 2 else (s, -1)


def _undo(s: tuple[int, ...], x: int) -> tuple[tuple[int, ...], int]:
    """Writes 0, 1 or 2, and 3 takes the last writing back, at most two of them."""
    after = (s[:-1] if len(s) > 1 else s) if x == 3 else (*s, x)[-3:]
    return after, max(after[-1:])


def _calls(s: int, x: str) -> tuple[int, str]:
    if x == "call":
        return (s + 1, "ok") if s < 3 else (s, "overflow")
    return (s - 1, "ok") if s else (s, "underflow")


STACKS = {
    "brackets_depth_3": _dyck(3, 1),
    "two_brackets_depth_2": _dyck(2, 2),
    "bit_stack": OpenTask("A stack of two bits (Joulin and Mikolov, 2015)", (), _bit_stack, high=2),
    "bit_queue": OpenTask("A queue of two bits (Grefenstette and others, 2015)", (), _bit_queue, high=2),
    "undo": OpenTask("An editor with two steps of undo", (0,), _undo, high=3),
    "call_stack": OpenTask(
        "Calls and returns, at most three deep (Alur and Madhusudan, 2004)", 0, _calls, words=("call", "return")
    ),
}

MACHINES = LANGUAGES | PROTOCOLS | DEVICES | STACKS
