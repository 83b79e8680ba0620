"""Unpacks the members of a wheel that match one of the patterns: unpack.py WHEEL FOLDER PATTERN..."""

import fnmatch
import os
import shutil
import sys
import zipfile

wheel, folder, patterns = sys.argv[1], sys.argv[2], sys.argv[3:]
with zipfile.ZipFile(wheel) as archive:
    for member in archive.infolist():
        name = member.filename
        if member.is_dir() or not any(fnmatch.fnmatchcase(name, p) for p in patterns):
            continue
        target = os.path.join(folder, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        # Reading to the end also checks the member's CRC.
        with archive.open(member) as source, open(target, "wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
        # ptxas has to stay a program.
        os.chmod(target, 0o755 if member.external_attr >> 16 & 0o100 else 0o644)
