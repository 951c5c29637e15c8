"""Job results, and when to poll."""
