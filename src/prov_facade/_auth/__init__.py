"""Signing in to a Keycloak realm: the flows of OAuth 2.0, and where their tokens are kept."""
