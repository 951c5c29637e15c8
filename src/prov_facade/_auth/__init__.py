"""Sign-in with OAuth 2.0 at a Keycloak realm: flows, token cache, prompt."""
