"""Nothing that was acknowledged is lost, whatever happens; undo takes back what its own frame says, for
good."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from twincell.errors import UserError
from twincell.label.answers import Answers
from twincell.label.records import Deed, Dot
from twincell.label.store import Store

FRAME = ("a/1.png", 0)
_keys = iter(f"key-{i:06d}" for i in range(10**6))


def deed(kind: str, **how: object) -> Deed:
    return Deed.model_validate({"key": next(_keys), "row": 0, "kind": kind, **how})


def dot(name: str, x: float = 1.0, y: float = 2.0, label: str = "") -> Deed:
    return deed("dot", dot=Dot(id=f"dot-{name}-id", x=x, y=y, label=label))


def do(store: Store, *deeds: Deed, person: str = "Anna", frame: tuple[str, int] = FRAME) -> None:
    store.append(person, [(one, frame) for one in deeds])


def test_dots_moved_named_and_taken_away_come_to_a_count(tmp_path: Path) -> None:
    store = Store(tmp_path / "labels.sqlite")
    do(store, dot("a"), dot("b"), dot("c", label="not a cell"), dot("b", 5, 6, "dividing"))
    answer = store.answers.of("Anna", *FRAME)
    assert answer.count is None
    assert answer.draft
    do(store, deed("gone", dot=Dot(id="dot-a-id", x=0, y=0)), deed("status", status="done"))
    assert answer.count == 1  # dirt is no cell
    assert answer.dots["dot-b-id"] == {"id": "dot-b-id", "x": 5, "y": 6, "label": "dividing"}
    old = [record.old for record in store.since(0)]
    assert old[3] == {"id": "dot-b-id", "x": 1.0, "y": 2.0, "label": ""}
    assert old[4]["id"] == "dot-a-id"
    assert old[5] == {"status": "open"}


def test_undo_and_redo_last_over_restarts_and_stay_in_their_frame(tmp_path: Path) -> None:
    other = ("a/2.png", 0)
    store = Store(tmp_path / "labels.sqlite")
    do(store, dot("a"), dot("b"), dot("b", 9, 9))
    do(store, dot("z"), frame=other)
    do(store, deed("undo"), deed("undo"))
    assert list(store.answers.of("Anna", *FRAME).dots) == ["dot-a-id"]
    assert list(store.answers.of("Anna", *other).dots) == ["dot-z-id"]
    store.close()
    again = Store(tmp_path / "labels.sqlite")
    do(again, deed("redo"))
    assert again.answers.of("Anna", *FRAME).dots["dot-b-id"]["x"] == 1.0
    do(again, deed("redo"))
    assert again.answers.of("Anna", *FRAME).dots["dot-b-id"]["x"] == 9
    do(again, deed("undo"), dot("c"), deed("redo"))  # nothing to bring back once something new was done
    assert set(again.answers.of("Anna", *FRAME).dots) == {"dot-a-id", "dot-b-id", "dot-c-id"}
    assert again.answers.of("Anna", *FRAME).dots["dot-b-id"]["x"] == 1.0
    before = again.last
    do(again, deed("undo"), person="Ben")
    assert again.last == before


def test_a_typed_number_stands_until_a_dot_is_set(tmp_path: Path) -> None:
    store = Store(tmp_path / "labels.sqlite")
    do(store, deed("number", number=1), deed("number", number=12), deed("status", status="done"))
    answer = store.answers.of("Anna", *FRAME)
    assert answer.count == 12
    assert not answer.dotted
    do(store, dot("a"))
    assert answer.count == 1
    do(store, deed("undo"))
    assert answer.count == 12


def test_what_was_shown_makes_an_answer_not_blind_only_before_it_is_finished(tmp_path: Path) -> None:
    store = Store(tmp_path / "labels.sqlite")
    do(store, dot("a"), deed("status", status="done"), deed("status", status="done", shown={"model": True}))
    assert store.answers.of("Anna", *FRAME).blind
    do(store, dot("a"), deed("status", status="done", shown={"model": True, "count": 3.2}), person="Ben")
    assert not store.answers.of("Ben", *FRAME).blind
    assert [record.shown for record in store.since(0)][-1] == {"model": True, "count": 3.2}


def test_the_same_deed_sent_twice_is_kept_once(tmp_path: Path) -> None:
    store, one = Store(tmp_path / "labels.sqlite"), dot("a")
    do(store, one)
    do(store, one, dot("b"))
    assert store.last == 2


def test_a_batch_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    store = Store(tmp_path / "labels.sqlite")
    with pytest.raises(ValueError, match="without what it sets"):
        do(store, dot("a"), deed("dot"))
    assert store.last == 0
    assert not store.answers.of("Anna", *FRAME).dots


def test_the_answer_that_stands_is_one_that_somebody_gave(tmp_path: Path) -> None:
    store = Store(tmp_path / "labels.sqlite")
    for person, n in (("Anna", 4), ("Ben", 6), ("Cleo", 5)):
        do(store, deed("number", number=n), deed("status", status="done"), person=person)
    final = store.answers.final(*FRAME)
    assert final is not None
    assert (final.person, final.count) == ("Cleo", 5)
    do(store, deed("number", number=7, round=1), deed("status", status="done", round=1), person="Anna")
    final = store.answers.final(*FRAME)
    assert final is not None
    assert final.count == 6  # Anna's last word is 7


def test_two_people_and_two_tabs_lose_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "labels.sqlite")

    def work(person: str, tab: int) -> None:
        for i in range(50):
            do(store, dot(f"{tab}-{i}", i, tab), person=person)

    threads = [threading.Thread(target=work, args=(p, t)) for p in ("Anna", "Ben") for t in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.last == 200
    assert len(store.answers.of("Anna", *FRAME).dots) == 100
    again = Answers(Store(tmp_path / "labels.sqlite").since(0))
    assert again.of("Ben", *FRAME).dots == store.answers.of("Ben", *FRAME).dots


WRITER = """
import sys
from pathlib import Path
from twincell.label.records import Deed, Dot
from twincell.label.store import Store
store = Store(Path(sys.argv[1]))
for i in range(1000):
    deed = Deed(key=f"deed-{i:06d}", row=0, kind="dot", dot=Dot(id=f"dot-{i:06d}", x=i, y=0))
    store.append("Anna", [(deed, ("a.png", i % 7))])
    print(i, flush=True)  # acknowledged
"""


def test_kill_9_amid_a_thousand_labels_loses_none_that_was_acknowledged(tmp_path: Path) -> None:
    for stop in (137, 611):
        file = tmp_path / f"{stop}.sqlite"
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        told = 0
        for line in process.stdout:
            told = int(line) + 1
            if told == stop:
                os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert process.returncode == -signal.SIGKILL
        kept = [record.key for record in Store(file).since(0)]
        assert kept[:told] == [f"deed-{i:06d}" for i in range(told)]
        assert stop <= told <= len(kept) <= told + 1


def test_files_that_are_no_labels_are_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "labels.sqlite"
    file.write_bytes(b"no database at all" * 100)
    with pytest.raises(UserError, match="no file of labels"):
        Store(file)
    assert file.read_bytes() == b"no database at all" * 100


def test_a_copy_holds_what_stands_in_the_log(tmp_path: Path) -> None:
    store = Store(tmp_path / "labels.sqlite")
    do(store, dot("a"))
    store.copy(tmp_path / "copy.sqlite")
    assert [record.key for record in Store(tmp_path / "copy.sqlite").since(0)] == [
        r.key for r in store.since(0)
    ]
