"""The dark and the light theme. Both stay legible on terminals with 16 colours or none."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="aml-dark",
    primary="#4da3ff",
    secondary="#5fafaf",
    accent="#5fd7ff",
    foreground="#e4e4e4",
    background="#121212",
    surface="#1c1c1c",
    panel="#303030",
    success="#5fd787",
    warning="#ffd75f",
    error="#ff8787",
    dark=True,
    variables={
        "border-blurred": "#585858",
        "scrollbar": "#585858",
        "scrollbar-hover": "#767676",
        "scrollbar-active": "#767676",
        "scrollbar-background": "#1c1c1c",
        "scrollbar-background-hover": "#1c1c1c",
        "scrollbar-background-active": "#1c1c1c",
        "text-muted": "#bebebe",
        "block-cursor-background": "#004a6b",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-blurred-background": "#303030",
        "input-selection-background": "#005f87",
    },
)

LIGHT = Theme(
    name="aml-light",
    primary="#005faf",
    secondary="#00797a",
    accent="#005f87",
    foreground="#1c1c1c",
    background="#ffffff",
    surface="#f2f2f2",
    panel="#d2d2d2",
    success="#006b2d",
    warning="#7a4b00",
    error="#af0000",
    dark=False,
    variables={
        "border-blurred": "#9e9e9e",
        "scrollbar": "#9e9e9e",
        "scrollbar-hover": "#767676",
        "scrollbar-active": "#767676",
        "scrollbar-background": "#e0e0e0",
        "scrollbar-background-hover": "#e0e0e0",
        "scrollbar-background-active": "#e0e0e0",
        "text-muted": "#5f5f5f",
        "block-cursor-background": "#b5d0f0",
        "block-cursor-foreground": "#000000",
        "block-cursor-blurred-background": "#d0d0d0",
        "input-selection-background": "#afd7ff",
    },
)
