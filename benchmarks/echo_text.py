"""The text that is sent, and that every contestant has to echo: not ASCII, and with characters that XML escapes."""

TEXT = "say Grüße aus Köln & <Café> “drei” Brötchen für Zoë, bitte – 20 % mehr als gestern"
