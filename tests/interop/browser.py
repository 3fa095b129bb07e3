"""A browser without a window: follows the redirects of a login, with its cookies."""

import http.cookiejar
import urllib.error
import urllib.request
from urllib.parse import parse_qsl, urljoin, urlsplit


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def browse(url, until=None, cookies=None):
    """The query of the first redirect to a URL that begins with `until`, or of the last one."""
    opener = with_cookies(http.cookiejar.CookieJar() if cookies is None else cookies)
    for _ in range(20):
        if until and url.startswith(until):
            return query(url)
        try:
            response = opener.open(url, timeout=30)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            if "location" in response.headers:
                url = urljoin(url, response.headers["location"])
            elif response.status == 200 and not until:
                return query(url)
            else:
                said = response.read().decode()
                raise RuntimeError(f"the login ends at {response.status}: {said}")
    raise RuntimeError("the login does not end")


def with_cookies(cookies):
    """What opens URLs with these cookies, and follows no redirect."""
    return urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies), NoRedirects)


def query(url):
    return dict(parse_qsl(urlsplit(url).query))
