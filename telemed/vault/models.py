from django.db import models


class KeyUse(models.Model):
    """A key id that has encrypted at least one value in this database.

    It outlives the values: a key may be dropped from FIELD_KEYS only after `rotate_field_keys` removed its row.
    """

    key_id = models.CharField(max_length=32, primary_key=True)
    first_used_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.key_id
