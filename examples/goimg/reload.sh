#!/bin/sh
# Has the application read its files again. Keywheel waits for the reports, not for this.
exit 0
