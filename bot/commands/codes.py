"""/codes: the pools of codes, and what is left of them."""

from bot.commands.command import Call, OperatorCommand, Reply
from domain.operators.events import Role
from projections.codes import Pool, pools_listed


def _codes(call: Call) -> Reply:
    with call.office.views.read() as connection:
        found = pools_listed(connection)
    if not found:
        return Reply(call.say("There are no codes yet: siyu codes add POOL FILE.csv puts some in."))
    rows: tuple[dict[str, object], ...] = tuple(
        {
            "pool": pool.name,
            "added": pool.added,
            "taken": pool.taken,
            "redeemed": pool.redeemed,
            "left": pool.left(call.now),
            "in_doubt": pool.doubted,
        }
        for pool in found
    )
    return Reply("\n".join(_line(call, pool) for pool in found), rows=rows)


def _line(call: Call, pool: Pool) -> str:
    told = call.say("{pool}: {left} left of {added}, {taken} given out, {redeemed} redeemed")
    line = told.format(
        pool=pool.name,
        left=pool.left(call.now),
        added=pool.added,
        taken=pool.taken,
        redeemed=pool.redeemed,
    )
    if pool.expires_at is not None:
        ends = call.say("they count until {time}").format(time=call.clock.shown(pool.expires_at))
        line = f"{line} ({ends})"
    return f"{line}\n{doubt(call, pool)}" if pool.doubted else line


def doubt(call: Call, pool: Pool) -> str:
    """Return that none of its codes is given out, and what to do."""
    said = call.say(
        "{pool}: nobody knows which of its codes were given out since the backup, so none is: siyu codes settle {pool}"
    )
    return said.format(pool=pool.name)


codes = OperatorCommand(
    name="codes",
    role=Role.MARKETER,
    usage=("/codes",),
    help="how many codes are left in each pool",
    run=_codes,
    words=("券码",),
)
