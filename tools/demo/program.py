"""Programs that were started here, and how they end."""

import subprocess


def end(process: subprocess.Popen, patience: float) -> None:
    """Asks it to end; kills what has not ended after so many seconds."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
