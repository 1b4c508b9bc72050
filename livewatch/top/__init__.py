"""A live view of a gateway's sessions in a terminal: pure view-model, two vantage points, and a Textual shell."""
