from django.http import HttpRequest, HttpResponse


def join(request: HttpRequest, **kwargs) -> HttpResponse:
    return HttpResponse(status=503)


seat = join_lookup = join_redeem = seat_state = seat_details = seat_device_check = seat_consent = join
seat_wait = seat_turn_probe = join
