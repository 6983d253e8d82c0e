/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "store/kv-expiry.h"

#include "core/kv-entry-private.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* The deadline stands beside the pointer, so that sifting reads no entry but those that it moves. */
typedef struct {
  gint64 deadline;
  KvEntry *entry; /* (borrowed) from the table */
} Slot;

/* Four children a node: half the levels of a binary heap, and the children of one node share a cache line. */
#define ARITY 4

/* The timer is set to the end of the millisecond in which a deadline lies: many keys that expire close together then
 * cost one wake-up, and none is removed early. Reads do not depend on it: they look at the clock themselves. */
#define GRANULARITY 1000

/* When the heap fills no more than a quarter of its memory, half of that is given back; but not for less than this. */
#define MIN_RESERVED 1024

/* The timer belongs to the source: whoever frees the expiry may do so while another thread dispatches. */
typedef struct {
  GSource source;
  int fd; /* (owned) */
} ExpirySource;

struct _KvExpiry {
  GArray *heap;         /* (owned) (element-type Slot) */
  guint reserved;       /* the most slots that the heap has had since it last shrank */
  gint64 armed;         /* when the timer goes off; KV_NO_DEADLINE when it does not */
  ExpirySource *source; /* (owned) */
};

static inline Slot *
slot_at (KvExpiry *expiry, guint index)
{
  return &g_array_index (expiry->heap, Slot, index);
}

static inline void
place (KvExpiry *expiry, guint index, Slot slot)
{
  *slot_at (expiry, index) = slot;
  slot.entry->heap_index = index;
}

static void
sift_up (KvExpiry *expiry, guint index, Slot slot)
{
  while (index > 0)
    {
      guint parent = (index - 1) / ARITY;

      if (slot_at (expiry, parent)->deadline <= slot.deadline)
        break;
      place (expiry, index, *slot_at (expiry, parent));
      index = parent;
    }
  place (expiry, index, slot);
}

static void
sift_down (KvExpiry *expiry, guint index, Slot slot)
{
  guint length = expiry->heap->len;

  for (;;)
    {
      guint first = index * ARITY + 1, least = first;

      if (first >= length)
        break;
      for (guint child = first + 1; child < MIN (first + ARITY, length); child++)
        if (slot_at (expiry, child)->deadline < slot_at (expiry, least)->deadline)
          least = child;
      if (slot_at (expiry, least)->deadline >= slot.deadline)
        break;
      place (expiry, index, *slot_at (expiry, least));
      index = least;
    }
  place (expiry, index, slot);
}

static void
arm (KvExpiry *expiry, gint64 deadline)
{
  struct itimerspec when = { 0 };

  if (deadline == KV_NO_DEADLINE)
    expiry->armed = KV_NO_DEADLINE;
  else
    {
      /* A deadline at the very end of the clock must not overflow; and zero would disarm the timer. */
      deadline = MAX (deadline, GRANULARITY);
      expiry->armed = deadline <= KV_NO_DEADLINE - GRANULARITY
                        ? (deadline + GRANULARITY - 1) / GRANULARITY * GRANULARITY
                        : deadline;
      when.it_value.tv_sec = expiry->armed / G_USEC_PER_SEC;
      when.it_value.tv_nsec = expiry->armed % G_USEC_PER_SEC * 1000;
    }

  if (timerfd_settime (expiry->source->fd, TFD_TIMER_ABSTIME, &when, NULL) != 0)
    g_error ("Cannot set the timer of deadlines: %s", g_strerror (errno));
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  int fd = ((ExpirySource *) source)->fd;
  guint64 times;

  /* Reading makes the descriptor quiet again; that there is nothing to read is no fault (set anew meanwhile). */
  if (read (fd, &times, sizeof times) < 0 && errno != EAGAIN && errno != EINTR)
    g_warning ("Cannot read the timer of deadlines: %s", g_strerror (errno));
  ((KvExpiryFunc) (void (*) (void)) callback) (user_data);
  return G_SOURCE_CONTINUE;
}

static void
finalize (GSource *source)
{
  close (((ExpirySource *) source)->fd);
}

static GSourceFuncs source_funcs = { .dispatch = dispatch, .finalize = finalize };

KvExpiry *
kv_expiry_new (GMainContext *context, KvExpiryFunc func, gpointer user_data, GDestroyNotify notify)
{
  KvExpiry *expiry = g_new0 (KvExpiry, 1);
  int fd = timerfd_create (CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  GSource *source;

  if (fd < 0)
    g_error ("Cannot create the timer of deadlines: %s", g_strerror (errno));

  source = g_source_new (&source_funcs, sizeof (ExpirySource));
  g_source_set_static_name (source, "kvstore expiry");
  g_source_set_callback (source, (GSourceFunc) (void (*) (void)) func, user_data, notify);
  g_source_add_unix_fd (source, fd, G_IO_IN);
  expiry->heap = g_array_new (FALSE, FALSE, sizeof (Slot));
  expiry->armed = KV_NO_DEADLINE;
  expiry->source = (ExpirySource *) source;
  expiry->source->fd = fd;
  g_source_attach (source, context);
  return expiry;
}

void
kv_expiry_free (KvExpiry *expiry)
{
  g_source_destroy (&expiry->source->source);
  g_source_unref (&expiry->source->source);
  g_array_unref (expiry->heap);
  g_free (expiry);
}

void
kv_expiry_add (KvExpiry *expiry, KvEntry *entry)
{
  Slot slot = { entry->deadline, entry };

  if (expiry->heap->len == KV_ENTRY_NOT_IN_HEAP)
    g_error ("Too many deadlines");
  g_array_append_val (expiry->heap, slot);
  expiry->reserved = MAX (expiry->reserved, expiry->heap->len);
  sift_up (expiry, expiry->heap->len - 1, slot);
  if (entry->deadline < expiry->armed)
    arm (expiry, entry->deadline);
}

/* GArray itself gives nothing back. What is left is room to grow, so that a heap whose length goes up and down by one is
 * not moved each time. */
static void
shrink (KvExpiry *expiry)
{
  guint length = expiry->heap->len;
  GArray *smaller;

  if (expiry->reserved < MIN_RESERVED || length > expiry->reserved / 4)
    return;

  expiry->reserved /= 2;
  smaller = g_array_sized_new (FALSE, FALSE, sizeof (Slot), expiry->reserved);
  g_array_append_vals (smaller, expiry->heap->data, length);
  g_array_unref (expiry->heap);
  expiry->heap = smaller;
}

void
kv_expiry_remove (KvExpiry *expiry, KvEntry *entry)
{
  guint index = entry->heap_index;
  Slot last;

  if (index == KV_ENTRY_NOT_IN_HEAP)
    return;

  entry->heap_index = KV_ENTRY_NOT_IN_HEAP;
  last = *slot_at (expiry, expiry->heap->len - 1);
  g_array_set_size (expiry->heap, expiry->heap->len - 1);
  if (index < expiry->heap->len)
    {
      if (index > 0 && slot_at (expiry, (index - 1) / ARITY)->deadline > last.deadline)
        sift_up (expiry, index, last);
      else
        sift_down (expiry, index, last);
    }
  shrink (expiry);
}

KvEntry *
kv_expiry_pop_due (KvExpiry *expiry, gint64 now)
{
  KvEntry *entry;

  if (expiry->heap->len == 0 || slot_at (expiry, 0)->deadline > now)
    return NULL;

  entry = slot_at (expiry, 0)->entry;
  kv_expiry_remove (expiry, entry);
  return entry;
}

/* As deep as the heap is high. */
static guint
count_due_from (KvExpiry *expiry, guint index, gint64 now, const char *prefix, gsize length)
{
  const KvEntry *entry;
  guint due;

  if (index >= expiry->heap->len || slot_at (expiry, index)->deadline > now)
    return 0;
  entry = slot_at (expiry, index)->entry;
  due = length == 0 || (entry->key_length >= length && memcmp (entry->bytes, prefix, length) == 0);
  for (guint child = index * ARITY + 1; child <= index * ARITY + ARITY; child++)
    due += count_due_from (expiry, child, now, prefix, length);
  return due;
}

guint
kv_expiry_count_due (KvExpiry *expiry, gint64 now)
{
  return count_due_from (expiry, 0, now, "", 0);
}

guint
kv_expiry_count_due_below (KvExpiry *expiry, gint64 now, const char *prefix, gsize prefix_length)
{
  return count_due_from (expiry, 0, now, prefix, prefix_length);
}

void
kv_expiry_rearm (KvExpiry *expiry)
{
  arm (expiry, expiry->heap->len > 0 ? slot_at (expiry, 0)->deadline : KV_NO_DEADLINE);
}

guint
kv_expiry_get_length (KvExpiry *expiry)
{
  return expiry->heap->len;
}
