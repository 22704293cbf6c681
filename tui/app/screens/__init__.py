"""The screens of the wizard: home, the steps, and the dialogs over them."""
