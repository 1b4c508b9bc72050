"""A real example gateway, the faults that gateways have, and the demonstration that injects and watches them."""
