"""``python -m echovlm`` is the command ``echovlm``."""

from echovlm.cli import main

if __name__ == "__main__":
    main()
