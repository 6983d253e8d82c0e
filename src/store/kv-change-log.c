/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "store/kv-change-log.h"

#include "store/kv-spin.h"

/* 24 bytes a change. A revision is below 2^53, which leaves room for the rest in its word. */
typedef struct {
  guint64 revision : 53;
  guint64 kind : 4;
  guint64 last : 1;
  KvEntry *entry;    /* (owned) (nullable) */
  KvEntry *previous; /* (owned) (nullable) */
} Record;

struct _KvChangeLog {
  GMutex lock; /* guards all below, and the armed flags of the readers */
  Record *ring;
  guint
    capacity; /* a power of two; grows up to max_changes, so that a small store has a small log */
  guint max_changes;
  gsize bytes;
  gsize max_bytes;
  guint64 tail;       /* the oldest change in the ring */
  guint64 visible;    /* what lies before it is shown to readers */
  guint64 head;       /* the next one to come */
  guint64 kept;       /* what lies before it the keeper needs no more; KEPT_BY_NOBODY without one */
  gsize held_bytes;   /* of what it still needs */
  gboolean hides;     /* whether what is appended stays hidden until it is kept */
  guint64 forgotten;  /* the newest revision of which a change has left the ring */
  GPtrArray *readers; /* (owned) (element-type KvLogReader): borrowed each */
};

#define FIRST_CAPACITY 256

/* Later than every sequence, so that one comparison serves a log with and without a keeper. */
#define KEPT_BY_NOBODY G_MAXUINT64

KvChangeLog *
kv_change_log_new (guint64 revision, guint max_changes, gsize max_bytes)
{
  KvChangeLog *log = g_new0 (KvChangeLog, 1);

  g_mutex_init (&log->lock);
  log->capacity = MIN (FIRST_CAPACITY, max_changes);
  log->ring = g_new (Record, log->capacity);
  log->max_changes = max_changes;
  log->max_bytes = max_bytes;
  log->forgotten = revision;
  log->kept = KEPT_BY_NOBODY;
  log->readers = g_ptr_array_new ();
  return log;
}

static inline Record *
record_at (KvChangeLog *log, guint64 sequence)
{
  return &log->ring[sequence & (log->capacity - 1)];
}

/* Both entries are counted in full, although an entry mostly stands in the table or in another record too: the bound is
 * what the ring may hold alive at worst. */
static gsize
record_bytes (const Record *record)
{
  return (record->entry != NULL ? kv_entry_get_size (record->entry) : 0)
         + (record->previous != NULL ? kv_entry_get_size (record->previous) : 0);
}

/* How many changes ahead of what is forgotten. */
#define FETCH_AHEAD 4

/* The oldest changes are cold, and their entries are touched to let go of them: fetched some changes before, they are there
 * when a write pushes them out. Otherwise a write waits for memory half of its time. Not inlined, gcc 12 takes it for a
 * function without effect, and leaves it out. */
__attribute__ ((always_inline)) static inline void
fetch_ahead (KvChangeLog *log)
{
  const Record *record;

  if (log->head - log->tail <= FETCH_AHEAD)
    return;
  record = record_at (log, log->tail + FETCH_AHEAD);
  if (record->entry != NULL)
    __builtin_prefetch (record->entry, 1);
  if (record->previous != NULL)
    __builtin_prefetch (record->previous, 1);
}

static void
forget_oldest (KvChangeLog *log)
{
  Record *record = record_at (log, log->tail++);

  fetch_ahead (log);
  log->bytes -= record_bytes (record);
  log->forgotten = record->revision;
  g_clear_pointer (&record->entry, kv_entry_unref);
  g_clear_pointer (&record->previous, kv_entry_unref);
}

void
kv_change_log_free (KvChangeLog *log)
{
  while (log->tail < log->head)
    forget_oldest (log);
  g_ptr_array_unref (log->readers);
  g_free (log->ring);
  g_mutex_clear (&log->lock);
  g_free (log);
}

static void
resize (KvChangeLog *log, guint capacity)
{
  Record *ring = g_new (Record, capacity);

  for (guint64 i = log->tail; i < log->head; i++)
    ring[i & (capacity - 1)] = *record_at (log, i);
  g_free (log->ring);
  log->ring = ring;
  log->capacity = capacity;
}

/* Forgets what is over the bounds, but nothing from @end on. */
static void
trim (KvChangeLog *log, guint64 end)
{
  end = MIN (end, log->kept);
  while (log->tail < end
         && (log->bytes > log->max_bytes || log->head - log->tail > log->max_changes))
    forget_oldest (log);
}

static void
wake_readers (KvChangeLog *log, guint64 first)
{
  for (guint i = 0; i < log->readers->len; i++)
    {
      KvLogReader *reader = log->readers->pdata[i];

      if (reader->armed && reader->wake (reader, first))
        reader->armed = FALSE;
    }
}

static void
append_one (KvChangeLog *log, KvChange *change, gboolean last)
{
  Record *record;

  if (log->head - log->tail == log->capacity)
    {
      if (log->capacity < log->max_changes || log->tail >= log->kept)
        resize (log, log->capacity * 2);
      else
        forget_oldest (log);
    }

  record = record_at (log, log->head++);
  record->revision = change->revision;
  record->kind = change->kind;
  record->last = last;
  record->entry = g_steal_pointer (&change->entry);
  record->previous = g_steal_pointer (&change->previous);
  log->bytes += record_bytes (record);
  if (G_UNLIKELY (log->kept != KEPT_BY_NOBODY))
    log->held_bytes += record_bytes (record);
}

void
kv_change_log_append (KvChangeLog *log, KvChange *changes, guint length)
{
  guint64 first;

  kv_spin_mutex_lock (&log->lock);
  first = log->head;
  for (guint i = 0; i < length; i++)
    append_one (log, &changes[i], i + 1 == length);
  if (log->bytes > log->max_bytes)
    trim (log, first);
  if (G_LIKELY (!log->hides))
    {
      log->visible = log->head;
      wake_readers (log, first);
    }
  g_mutex_unlock (&log->lock);
}

/* Gives what lies between @sequence and @end. Under the log's lock. */
static guint
give (KvChangeLog *log, guint64 sequence, guint64 end, KvChange *changes, guint max)
{
  guint given = 0;

  for (; given < max && sequence < end; given++, sequence++)
    {
      const Record *record = record_at (log, sequence);

      changes[given] = (KvChange){
        .revision = record->revision,
        .sequence = sequence,
        .kind = record->kind,
        .last = record->last,
        .entry = record->entry != NULL ? kv_entry_ref (record->entry) : NULL,
        .previous = record->previous != NULL ? kv_entry_ref (record->previous) : NULL,
      };
    }
  return given;
}

guint
kv_change_log_read (KvChangeLog *log,
                    guint64 sequence,
                    KvChange *changes,
                    guint max,
                    gboolean *lost)
{
  guint given;

  kv_spin_mutex_lock (&log->lock);
  *lost = sequence < log->tail;
  given = *lost ? 0 : give (log, sequence, log->visible, changes, max);
  g_mutex_unlock (&log->lock);
  return given;
}

void
kv_change_log_read_revisions (KvChangeLog *log,
                              guint64 sequence,
                              GArray *changes,
                              guint enough,
                              gboolean *lost)
{
  guint64 end;

  g_array_set_size (changes, 0);
  kv_spin_mutex_lock (&log->lock);
  *lost = sequence < log->tail;
  end = *lost ? sequence : MIN (sequence + enough, MAX (sequence, log->visible));
  while (end > sequence && !record_at (log, end - 1)->last)
    end++;
  g_array_set_size (changes, (guint) (end - sequence));
  give (log, sequence, end, (KvChange *) (void *) changes->data, changes->len);
  g_mutex_unlock (&log->lock);
}

gboolean
kv_change_log_find (KvChangeLog *log, guint64 revision, guint64 *sequence)
{
  guint64 low, high;
  gboolean reaches;

  kv_spin_mutex_lock (&log->lock);
  reaches = revision >= log->forgotten;
  low = log->tail;
  high = log->visible;
  while (low < high)
    {
      guint64 middle = low + (high - low) / 2;

      if (record_at (log, middle)->revision <= revision)
        low = middle + 1;
      else
        high = middle;
    }
  g_mutex_unlock (&log->lock);

  *sequence = low;
  return reaches;
}

guint64
kv_change_log_get_oldest (KvChangeLog *log)
{
  guint64 oldest;

  kv_spin_mutex_lock (&log->lock);
  oldest = log->forgotten;
  g_mutex_unlock (&log->lock);
  return oldest;
}

guint64
kv_change_log_get_head (KvChangeLog *log, guint64 *revision)
{
  guint64 head;

  kv_spin_mutex_lock (&log->lock);
  head = log->visible;
  if (revision != NULL)
    *revision = head > log->tail ? record_at (log, head - 1)->revision : log->forgotten;
  g_mutex_unlock (&log->lock);
  return head;
}

void
kv_change_log_get_extent (KvChangeLog *log, KvLogExtent *extent)
{
  kv_spin_mutex_lock (&log->lock);
  *extent = (KvLogExtent){ log->visible - log->tail, log->bytes, log->forgotten };
  g_mutex_unlock (&log->lock);
}

void
kv_change_log_begin_to_keep (KvChangeLog *log, guint64 revision, gboolean hides)
{
  kv_spin_mutex_lock (&log->lock);
  while (log->tail < log->head)
    forget_oldest (log);
  log->forgotten = MAX (log->forgotten, revision);
  log->kept = log->head;
  log->hides = hides;
  g_mutex_unlock (&log->lock);
}

/* What is written under both locks may be read under either. */
void
kv_change_log_get_held (KvChangeLog *log, KvHeldChanges *held)
{
  *held = (KvHeldChanges){ log->kept, log->head, log->held_bytes };
}

guint
kv_change_log_read_held (KvChangeLog *log, guint64 sequence, KvChange *changes, guint max)
{
  guint given;

  kv_spin_mutex_lock (&log->lock);
  g_assert (sequence >= log->kept);
  given = give (log, sequence, log->head, changes, max);
  g_mutex_unlock (&log->lock);
  return given;
}

void
kv_change_log_settle (KvChangeLog *log, guint64 sequence)
{
  guint64 first;

  kv_spin_mutex_lock (&log->lock);
  g_assert (log->kept <= sequence && sequence <= log->head);
  for (; log->kept < sequence; log->kept++)
    log->held_bytes -= record_bytes (record_at (log, log->kept));

  first = log->visible;
  if (sequence > first)
    {
      log->visible = sequence;
      wake_readers (log, first);
    }
  /* What has only now become visible stays, so that a reader that keeps up misses nothing. */
  trim (log, log->hides ? first : sequence);
  if (log->capacity > log->max_changes && log->head - log->tail <= log->max_changes)
    resize (log, log->max_changes);
  g_mutex_unlock (&log->lock);
}

void
kv_change_log_withdraw (KvChangeLog *log)
{
  kv_spin_mutex_lock (&log->lock);
  g_assert (log->hides);
  while (log->head > log->visible)
    {
      Record *record = record_at (log, --log->head);

      log->bytes -= record_bytes (record);
      log->held_bytes -= record_bytes (record);
      g_clear_pointer (&record->entry, kv_entry_unref);
      g_clear_pointer (&record->previous, kv_entry_unref);
    }
  g_mutex_unlock (&log->lock);
}

void
kv_change_log_add_reader (KvChangeLog *log, KvLogReader *reader)
{
  kv_spin_mutex_lock (&log->lock);
  reader->armed = FALSE;
  g_ptr_array_add (log->readers, reader);
  g_mutex_unlock (&log->lock);
}

void
kv_change_log_remove_reader (KvChangeLog *log, KvLogReader *reader)
{
  kv_spin_mutex_lock (&log->lock);
  g_ptr_array_remove_fast (log->readers, reader);
  g_mutex_unlock (&log->lock);
}

gboolean
kv_change_log_arm (KvChangeLog *log, KvLogReader *reader, guint64 sequence)
{
  gboolean armed;

  kv_spin_mutex_lock (&log->lock);
  armed = reader->armed = sequence >= log->visible;
  g_mutex_unlock (&log->lock);
  return armed;
}
