#!/usr/bin/env python3
"""The browser that programs open for a login. It logs in, and brings the code to the program that waits for it.

`run` makes it `xdg-open`.
"""

import os
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import urlencode

from browser import browse, query

DEADLINE = 20


def main(url):
    redirect = query(url)["redirect_uri"]
    code = urlencode(browse(url, redirect))
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            return urllib.request.urlopen(f"{redirect}?{code}", timeout=DEADLINE).close()
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{error.status} at {redirect}") from error
        except urllib.error.URLError:  # some open the browser first, and their port then
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


# As a browser, it does not keep the program waiting.
if os.fork() == 0:
    main(sys.argv[1])
