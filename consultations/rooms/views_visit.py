from django.http import HttpRequest, HttpResponse


def visit(request: HttpRequest, **kwargs) -> HttpResponse:
    return HttpResponse(status=503)


visit_notes = visit
