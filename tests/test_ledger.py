"""The ledger's arithmetic, against plain sets and counts. (Against real brokers: test_truth.py.)"""

import random
from collections import Counter

import pandas as pd
import pytest
from kafka.errors import KafkaConnectionError, KafkaTimeoutError
from kafka.future import Future

from helpers.meters import OUTCOMES, Ledger, compare, counted, found_again


def answered(offset=0):
    return Future().success(type("Metadata", (), {"offset": offset})())


def failed(error=KafkaTimeoutError):
    return Future().failure(error())


def test_one_message_of_each_fate():
    ledger = Ledger("one of each")
    ledger.sent(1, answered())  # stored
    ledger.sent(2, answered())  # acknowledged, yet lost
    ledger.sent(3, failed())  # lost, and told
    ledger.sent(4, failed())  # told to be lost, yet stored
    ledger.sent(5, Future())  # nothing told yet, lost
    ledger.refused(6, ValueError())  # send itself raised
    ledger.sent(7, answered())  # stored three times
    ledger.stored([1, 7, 4, 7, 7])
    assert ledger.counts() == {
        "sent": 7,
        "acknowledged": 3,
        "unconfirmed": 0,
        "failed": 3,
        "pending": 1,
        "stored": 3,
        "lost": 4,
        "silently_lost": 1,
        "duplicated": 2,
        "out_of_order": 1,
    }
    assert ledger.errors() == {"KafkaTimeoutError": 2, "ValueError": 1}
    assert ledger.frame().set_index("id")["outcome"].to_dict()[5] == "pending"


def test_without_answers_success_is_unconfirmed_and_loss_is_silent():
    ledger = Ledger("acks=0", acks=0)
    for id in range(10):
        ledger.sent(id, answered(offset=id))
    ledger.stored(range(7))
    counts = ledger.counts()
    assert (
        counts["acknowledged"],
        counts["unconfirmed"],
        counts["lost"],
        counts["silently_lost"],
    ) == (0, 10, 3, 3)


def test_a_retry_counts_once_with_its_best_outcome_and_first_due():
    ledger = Ledger("retried")
    ledger.sent(1, failed(KafkaConnectionError), due=5.0)
    ledger.sent(1, answered(), due=9.0)
    ledger.stored([1])
    [row] = ledger.frame().to_dict("records")
    assert (row["outcome"], row["due"], row["error"]) == ("acknowledged", 5.0, "")
    assert ledger.counts()["sent"] == 1
    assert ledger.errors() == {"KafkaConnectionError": 1}


def test_processing():
    ledger = Ledger("processed")
    for id in range(5):
        ledger.sent(id, answered())
    ledger.stored(range(5))
    ledger.processed([0, 1, 1, 3, 1])
    counts = ledger.counts()
    assert (counts["processed"], counts["missed"], counts["repeated"]) == (3, 2, 2)


def test_says_what_is_missing():
    ledger = Ledger("early")
    ledger.sent(1, answered())
    with pytest.raises(ValueError, match="does not know what is stored"):
        ledger.counts()


def test_strangers_are_refused():
    ledger = Ledger("strangers")
    ledger.sent(1, answered())
    ledger.stored([1, 99])
    with pytest.raises(ValueError, match=r"never sent.*\[99\]"):
        ledger.counts()


def test_nothing_sent():
    ledger = Ledger("empty")
    ledger.stored([])
    assert set(ledger.counts().values()) == {0}


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_plain_counting(seed):
    dice = random.Random(seed)
    ledger, told_of = Ledger("dice"), {}
    for _ in range(300):
        id = dice.randrange(150)
        future = dice.choice([answered, failed, Future])()
        told_of.setdefault(id, []).append(
            "pending" if not future.is_done else "failed" if future.failed() else "acknowledged"
        )
        ledger.sent(id, future)
    stored = [dice.choice(list(told_of)) for _ in range(200)]
    ledger.stored(stored)
    best = {id: min(fates, key=OUTCOMES.index) for id, fates in told_of.items()}
    lost = set(best) - set(stored)
    expected = {
        "sent": len(best),
        **{fate: list(best.values()).count(fate) for fate in OUTCOMES},
        "stored": len(set(stored)),
        "lost": len(lost),
        "silently_lost": sum(best[id] == "acknowledged" for id in lost),
        "duplicated": sum(copies - 1 for copies in Counter(stored).values()),
        "out_of_order": sum(
            any(other > id for other in stored[: stored.index(id)]) for id in set(stored)
        ),
    }
    assert ledger.counts() == expected


def test_order_is_of_each_lane_and_a_second_copy_breaks_none():
    frame = pd.DataFrame({"id": [1, 2, 3, 4], "outcome": 0})
    stored = [1, 3, 2, 4, 1, 3]
    frame = found_again(frame, stored, "books")
    assert counted(frame, stored)["out_of_order"] == 1  # 2, behind 3
    assert counted(frame, stored, [*"abaaab"])["out_of_order"] == 0
    assert counted(frame, stored, [*"abbabb"])["out_of_order"] == 1
    assert counted(frame, stored, [(0, None), (1, b"k")] * 3)["out_of_order"] == 0


def test_compare_has_a_row_per_ledger():
    ledgers = [Ledger("a"), Ledger("b")]
    for size, ledger in enumerate(ledgers, 1):
        for id in range(size):
            ledger.sent(id, answered())
        ledger.stored(range(size))
    assert compare(*ledgers)["sent"].to_dict() == {"a": 1, "b": 2}
