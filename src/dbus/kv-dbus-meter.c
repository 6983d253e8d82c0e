/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-meter.h"

#include "core/kv-error.h"

#include <string.h>

/* How many callers are remembered. Few programs are busy at a time, and whoever is not among these costs a look into the
 * limiter's table. */
#define MAX_SLOTS 8

typedef struct {
  char *sender;         /* (owned) */
  KvRateBucket *bucket; /* (owned) */
} Slot;

struct _KvDbusMeter {
  KvRateLimiter *limiter; /* (borrowed) */
  Slot slots[MAX_SLOTS];
  guint n_slots;
  guint oldest; /* the slot that is given away next, once all are taken */
};

KvRateBucket *
kv_dbus_meter_get_bucket (KvRateLimiter *limiter, const char *sender)
{
  g_autofree char *client = g_strconcat ("bus:", sender, NULL);

  return kv_rate_limiter_get_bucket (limiter, client);
}

KvDbusMeter *
kv_dbus_meter_new (KvRateLimiter *limiter)
{
  KvDbusMeter *meter = g_new0 (KvDbusMeter, 1);

  meter->limiter = limiter;

  return meter;
}

static void
slot_clear (Slot *slot)
{
  kv_rate_bucket_release (slot->bucket);
  g_free (slot->sender);
}

static KvRateBucket *
remember (KvDbusMeter *meter, const char *sender)
{
  Slot *slot;

  if (meter->n_slots < MAX_SLOTS)
    {
      slot = &meter->slots[meter->n_slots++];
    }
  else
    {
      slot = &meter->slots[meter->oldest];
      meter->oldest = (meter->oldest + 1) % MAX_SLOTS;
      slot_clear (slot);
    }
  slot->sender = g_strdup (sender);
  slot->bucket = kv_dbus_meter_get_bucket (meter->limiter, sender);

  return slot->bucket;
}

static KvRateBucket *
find_bucket (KvDbusMeter *meter, const char *sender)
{
  for (guint i = 0; i < meter->n_slots; i++)
    {
      if (strcmp (meter->slots[i].sender, sender) == 0)
        return meter->slots[i].bucket;
    }

  return remember (meter, sender);
}

gboolean
kv_dbus_meter_admit (KvDbusMeter *meter, const char *sender, guint cost, GError **error)
{
  guint retry_after;

  if (kv_rate_bucket_admit (find_bucket (meter, sender), cost, &retry_after))
    return TRUE;
  g_set_error (error, KV_ERROR, KV_ERROR_LIMIT_EXCEEDED, "Too many requests: retry after %u s",
               retry_after);

  return FALSE;
}

void
kv_dbus_meter_free (KvDbusMeter *meter)
{
  for (guint i = 0; i < meter->n_slots; i++)
    slot_clear (&meter->slots[i]);
  g_free (meter);
}
