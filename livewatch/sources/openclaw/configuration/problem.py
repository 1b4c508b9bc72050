"""What is wrong with a configuration of OpenClaw."""


class ConfigurationProblem(Exception):  # noqa: N818 -- reads as what is wrong
    """A configuration that cannot be read. The text is one line with the file and none of its values."""
