"""Shows the screen over a place to look from, and lets go of everything."""

import time

from livewatch.cli.exits import Exit, end
from livewatch.top.app import TopApp
from livewatch.top.contact import Contact
from livewatch.top.model import Model
from livewatch.top.vantage import LostError, RefusedError, Vantage
from livewatch.top.view import View


async def show(vantage: Vantage, interval_s: float) -> int:
    """Show the screen until a person ends it; return the exit code.

    The first look is taken before the terminal is touched, so that a mistake is one line.
    """
    try:
        look = await vantage.look(View())
        model = Model(Contact(vantage.who, interval_s)).seen(look, time.monotonic())
        return await TopApp(vantage, model).run_async() or int(Exit.OK)
    except (LostError, RefusedError) as error:
        return end(Exit.UNREACHABLE, str(error), kind="unreachable").exit_code
    finally:
        await vantage.close()
