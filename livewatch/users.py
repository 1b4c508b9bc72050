"""Names of users, for people."""

import pwd


def user_name(uid: int) -> str:
    """Return the name of a user, or its number in words where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
