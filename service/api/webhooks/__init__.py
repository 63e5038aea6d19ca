"""Tell webhooks that jobs have ended: signed, to public https addresses, retried.

`destinations` says where a notification may go, `signing` proves whom it comes from,
`messages` what it says, `sending` makes one attempt, and `dispatcher` keeps at it. What
is owed is kept by `kantor.service.queue.DeliveryQueue`.
"""
