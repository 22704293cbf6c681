"""The rehearsal's Microsoft Entra ID."""
