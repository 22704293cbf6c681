"""The fields of the plan: where each is asked, checked and explained."""
