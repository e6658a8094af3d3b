import signal
import threading

import pytest

from tf_handgroups.callbacks.stop_signal import SIGNALS, StopSignal


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_remembered_the_second_interrupts(number):
    before = [signal.getsignal(one) for one in SIGNALS]
    lines = []
    with StopSignal(lines.append) as stop:
        assert not stop.received
        signal.raise_signal(number)
        assert stop.received and len(lines) == 1
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert [signal.getsignal(one) for one in SIGNALS] == before


def test_other_threads_leave_signals_alone():
    seen = []

    def work():
        with StopSignal() as stop:
            seen.append(stop.received)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]
