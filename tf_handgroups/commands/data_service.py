"""The commands that run a farm for `train --data-service`."""

import signal
import threading
from typing import Annotated

import typer

from tf_handgroups.commands.terminal import say


def data_dispatcher(
    worker: Annotated[
        list[str], typer.Option(help="HOST:PORT of a worker; give all of them, one by one.")
    ],
    port: Annotated[int, typer.Option(help="Port to listen at.", min=1, max=65535)] = 5050,
) -> None:
    """Runs the dispatcher of a farm that prepares training data, until Ctrl-C.

    Anybody who reaches its ports can run programs there: keep them in your own network.

    Example: `tf-handgroups data-dispatcher --port 5050
    --worker farm1:5051 --worker farm2:5051`
    """
    from tf_handgroups.data_service import start_dispatcher

    _without_gpus()
    server = start_dispatcher(port, worker)
    say(f"Dispatcher at port {port} for {len(worker)} workers. Ctrl-C ends it.")
    _wait_for_the_end(server)


def data_worker(
    dispatcher: Annotated[str, typer.Option(help="HOST:PORT of the dispatcher.")],
    address: Annotated[
        str, typer.Option(help="HOST:PORT of this worker, as the dispatcher lists it.")
    ],
) -> None:
    """Runs a worker of a farm that prepares training data, until Ctrl-C.

    It must see the data under the same paths as the training, and be of the same version.

    Example: `tf-handgroups data-worker --dispatcher farm0:5050 --address farm1:5051`
    """
    from tf_handgroups.data_service import start_worker

    _without_gpus()
    server = start_worker(dispatcher, address)
    say(f"Worker {address} of the dispatcher at {dispatcher}. Ctrl-C ends it.")
    _wait_for_the_end(server)


def _without_gpus() -> None:
    """Servers work on the CPU; the memory of a GPU is for the training."""
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")


def _wait_for_the_end(server) -> None:
    def end(number, frame):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    try:
        # `server.join()` would not hear Ctrl-C.
        threading.Event().wait()
    except KeyboardInterrupt:
        server._stop()
        say("Ended.")
