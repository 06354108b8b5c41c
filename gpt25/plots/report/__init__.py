"""The self-contained report of one run or several: `report.write_report` is the way in."""
