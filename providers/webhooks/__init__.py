"""Webhooks after the Standard Webhooks specification (https://www.standardwebhooks.com): events told to programs."""
