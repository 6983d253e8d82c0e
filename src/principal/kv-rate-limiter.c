/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "principal/kv-rate-limiter.h"

#include "core/kv-error.h"
#include "core/kv-hash.h"
#include "kv-config.h"

#include <glib/gi18n-lib.h>
#include <stdatomic.h>
#include <string.h>

#define NSEC_PER_SEC G_GINT64_CONSTANT (1000000000)

/* So that now + tolerance + cost stays within 64 bits for centuries of uptime. */
#define MAX_TOLERANCE (G_MAXINT64 / 4)

/* How many forgotten clients one call lets go at most. More than one, as each call adds at most
 * one: the backlog shrinks, and no call has to go through a table that some client has filled. */
#define MAX_LET_GO 4

struct _KvRateLimiter {
  gint64 interval;  /* nanoseconds a request; 0 lets everything pass */
  gint64 tolerance; /* nanoseconds that the burst is worth */

  _Atomic guint64 refused;

  GMutex lock;         /* guards the fields below, and @holders and @idle of every bucket */
  GHashTable *buckets; /* (owned) (element-type utf8 KvRateBucket): the key lies in the bucket */
  GQueue idle; /* of buckets that nobody holds and that were not full then, the oldest first */
};

struct _KvRateBucket {
  KvRateLimiter *limiter; /* (borrowed) */
  _Atomic gint64 arrival; /* the theoretical arrival time of the next request, in nanoseconds */
  guint holders;
  GList idle; /* its link in the limiter's queue */
  char client[];
};

static gint64
get_now (void)
{
  return g_get_monotonic_time () * 1000;
}

/* Clients may choose what they are called (each address of 127.0.0.0/8 is theirs), so the hash is
 * keyed. */
static guint
client_hash (gconstpointer client)
{
  return kv_key_hash (client, strlen (client));
}

KvRateLimiter *
kv_rate_limiter_new (guint rate, guint burst)
{
  KvRateLimiter *limiter = g_new0 (KvRateLimiter, 1);
  double tolerance;

  limiter->interval = rate > 0 ? MAX (NSEC_PER_SEC / rate, 1) : 0;
  tolerance = (double) limiter->interval * MAX (burst, 1);
  limiter->tolerance =
    tolerance < (double) MAX_TOLERANCE ? limiter->interval * MAX (burst, 1) : MAX_TOLERANCE;
  g_mutex_init (&limiter->lock);
  limiter->buckets = g_hash_table_new_full (client_hash, g_str_equal, NULL, g_free);
  g_queue_init (&limiter->idle);
  return limiter;
}

void
kv_rate_limiter_free (KvRateLimiter *limiter)
{
  g_hash_table_unref (limiter->buckets);
  g_mutex_clear (&limiter->lock);
  g_free (limiter);
}

static gboolean
parse_count (const char *text, guint *count)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (text, 10, 1, G_MAXUINT, &value, NULL))
    return FALSE;
  *count = (guint) value;
  return TRUE;
}

gboolean
kv_rate_limiter_parse (const char *text, guint *rate, guint *burst, GError **error)
{
  g_auto (GStrv) parts = NULL;
  gboolean valid;

  if (g_str_equal (text, "off"))
    {
      *rate = 0;
      *burst = 1;
      return TRUE;
    }
  parts = g_strsplit (text, ":", 2);
  valid = parts[0] != NULL && parse_count (parts[0], rate);
  if (valid && parts[1] != NULL)
    valid = parse_count (parts[1], burst);
  else if (valid)
    *burst = *rate <= G_MAXUINT / 2 ? *rate * 2 : G_MAXUINT;
  if (!valid)
    g_set_error (
      error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
      _ ("“%s” is no rate limit: it is N or N:BURST (requests a second, and at once), or off"),
      text);
  return valid;
}

static gboolean
is_full (KvRateBucket *bucket, gint64 now)
{
  return atomic_load_explicit (&bucket->arrival, memory_order_relaxed) <= now;
}

/* With the lock held. Every bucket is full again once the tolerance has passed since its last
 * request, so the queue is in order but for that span, and looking at its head is enough. */
static void
let_go (KvRateLimiter *limiter)
{
  gint64 now = limiter->idle.length > 0 ? get_now () : 0;

  for (guint i = 0; i < MAX_LET_GO && limiter->idle.length > 0; i++)
    {
      KvRateBucket *bucket = g_queue_peek_head (&limiter->idle);

      if (!is_full (bucket, now))
        return;
      g_queue_unlink (&limiter->idle, &bucket->idle);
      g_hash_table_remove (limiter->buckets, bucket->client);
    }
}

/* With the lock held. */
static KvRateBucket *
add_bucket (KvRateLimiter *limiter, const char *client)
{
  gsize size = strlen (client) + 1;
  KvRateBucket *bucket = g_malloc0 (sizeof (KvRateBucket) + size);

  bucket->limiter = limiter;
  bucket->idle.data = bucket;
  memcpy (bucket->client, client, size);
  g_hash_table_insert (limiter->buckets, bucket->client, bucket);
  return bucket;
}

KvRateBucket *
kv_rate_limiter_get_bucket (KvRateLimiter *limiter, const char *client)
{
  KvRateBucket *bucket;

  g_mutex_lock (&limiter->lock);
  bucket = g_hash_table_lookup (limiter->buckets, client);
  if (bucket == NULL)
    bucket = add_bucket (limiter, client);
  else if (bucket->holders == 0)
    g_queue_unlink (&limiter->idle, &bucket->idle);
  bucket->holders++;
  let_go (limiter);
  g_mutex_unlock (&limiter->lock);
  return bucket;
}

guint
kv_rate_limiter_count (KvRateLimiter *limiter)
{
  guint count;

  g_mutex_lock (&limiter->lock);
  count = g_hash_table_size (limiter->buckets);
  g_mutex_unlock (&limiter->lock);
  return count;
}

guint64
kv_rate_limiter_count_refused (KvRateLimiter *limiter)
{
  return atomic_load_explicit (&limiter->refused, memory_order_relaxed);
}

/* What @cost is worth in nanoseconds. A request worth more than the whole burst would wait for ever: it takes all there is
 * instead. */
static gint64
get_price (const KvRateLimiter *limiter, guint cost)
{
  return cost < limiter->tolerance / limiter->interval ? cost * limiter->interval
                                                       : limiter->tolerance;
}

gboolean
kv_rate_bucket_admit (KvRateBucket *bucket, guint cost, guint *retry_after)
{
  KvRateLimiter *limiter = bucket->limiter;
  gint64 arrival, price, now;

  if (limiter->interval == 0)
    return TRUE;

  price = get_price (limiter, cost);
  now = get_now ();
  arrival = atomic_load_explicit (&bucket->arrival, memory_order_relaxed);
  do
    {
      gint64 excess = MAX (arrival, now) + price - now - limiter->tolerance;

      if (excess > 0)
        {
          if (retry_after != NULL)
            *retry_after = (guint) MIN ((excess + NSEC_PER_SEC - 1) / NSEC_PER_SEC, G_MAXUINT);
          atomic_fetch_add_explicit (&limiter->refused, 1, memory_order_relaxed);
          return FALSE;
        }
    }
  while (!atomic_compare_exchange_weak_explicit (&bucket->arrival, &arrival,
                                                 MAX (arrival, now) + price, memory_order_relaxed,
                                                 memory_order_relaxed));
  return TRUE;
}

/* Takes what there is of @cost, and leaves it at that. */
static void
charge (KvRateBucket *bucket, guint cost)
{
  const KvRateLimiter *limiter = bucket->limiter;
  gint64 price = get_price (limiter, cost);
  gint64 now = get_now ();
  gint64 arrival = atomic_load_explicit (&bucket->arrival, memory_order_relaxed);
  gint64 next;

  do
    next = MAX (arrival, MIN (MAX (arrival, now) + price, now + limiter->tolerance));
  while (!atomic_compare_exchange_weak_explicit (&bucket->arrival, &arrival, next,
                                                 memory_order_relaxed, memory_order_relaxed));
}

void
kv_rate_bucket_charge_entries (KvRateBucket *bucket, guint64 entries, guint64 *charged)
{
  guint64 due = entries / KV_RATE_ENTRIES_A_REQUEST - *charged;

  if (due == 0)
    return;
  *charged += due;
  if (bucket->limiter->interval > 0)
    charge (bucket, (guint) MIN (due, G_MAXUINT));
}

void
kv_rate_bucket_release (KvRateBucket *bucket)
{
  KvRateLimiter *limiter = bucket->limiter;

  g_mutex_lock (&limiter->lock);
  if (--bucket->holders == 0)
    {
      if (is_full (bucket, get_now ()))
        g_hash_table_remove (limiter->buckets, bucket->client);
      else
        g_queue_push_tail_link (&limiter->idle, &bucket->idle);
    }
  let_go (limiter);
  g_mutex_unlock (&limiter->lock);
}
