"""Each rule of the classifier in one line, for people who have not read `docs/classification.md`."""

RULE_WORDS = {
    "1": "idle, nothing waits, nothing is active",
    "2": "the provider asked to try again later, and that time has not come",
    "3": "waits for a person, or for work that the gateway itself watches",
    "3b": "this wait is past its bound, or nobody can end it",
    "3c": "waits in a circle that nobody in it can leave",
    "4": "waits for work that has already ended, or that nobody knows",
    "5": "was asked to end, its grace is over, and its handle is still registered",
    "6": "memory and session store contradict each other, and nobody owns the run",
    "7": "does the same again and again, and nothing new comes of it",
    "8": "messages wait, and what looks active belongs to nobody",
    "8b": "something is active, and whether it makes progress was never reported or cannot be seen",
    "9": "a tool call is silent for longer than it may be",
    "10": "the turn has ended and was delivered, yet the lane is held while messages wait",
    "11": "messages wait behind work whose last mark only looks like an end",
    "12": "a model or tool call is silent, and not yet for long enough to say that it is dead",
    "13": "something is active, and nothing new has come for longer than it may take",
    "14": "works for long, and its last step or new content is more recent than its limit",
    "15": "new content keeps coming, though nobody says what is being done",
    "16": "nothing is active, nothing new comes, and yet it is not idle or messages wait",
    "17": "nothing stands out",
}
