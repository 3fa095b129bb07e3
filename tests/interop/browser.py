"""A browser without a window: follows the redirects of a login, with its cookies."""

import http.cookiejar
import urllib.error
import urllib.request
from urllib.parse import parse_qsl, urljoin, urlsplit


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def browse(url, until):
    """The query of the first redirect to a URL that begins with `until`."""
    cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    opener = urllib.request.build_opener(cookies, NoRedirects)
    while not url.startswith(until):
        try:
            response = opener.open(url, timeout=30)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            if "location" not in response.headers:
                said = response.read().decode()
                raise RuntimeError(f"the login ends at {response.status}: {said}")
            url = urljoin(url, response.headers["location"])
    return dict(parse_qsl(urlsplit(url).query))
