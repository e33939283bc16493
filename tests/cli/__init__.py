"""Every `inv` command with every option, typed on a real stack."""
