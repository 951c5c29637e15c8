"""The Keycloak realm of the sandbox."""
