from django.http import HttpRequest, HttpResponse


def sign_in(request: HttpRequest, role: str) -> HttpResponse:
    return HttpResponse(status=503)
