#!/bin/sh
# A package that is installed in an image must not start its service there.
exit 101
