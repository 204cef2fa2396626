"""The phone page: phones in the browser, at the emulator's root."""
