"""The practitioner's day."""

urlpatterns: list = []
