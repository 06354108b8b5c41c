"""What the commands that train share: a recipe's fields as flags."""
