"""python -m helpers.cluster …"""

from .commands import main

main()
