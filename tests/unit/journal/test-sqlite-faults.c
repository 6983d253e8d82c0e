/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* A disk that fails at each step. What was answered as done is in the file, also if the machine stopped right then; what was
 * answered as failed is not. */

#include "core/kv-error.h"
#include "fault-vfs.h"
#include "opened.h"

#include <string.h>

#define KEYS 6

/* What every key has to hold, as far as it has been answered. */
typedef struct {
  Opened opened;
  char *values[KEYS]; /* (owned) (nullable) */
  gsize padding;      /* bytes that make the values longer */
  guint rounds;
  guint failures;
} Model;

static char *
describe (Model *model)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < KEYS; i++)
    if (model->values[i] != NULL)
      g_string_append_printf (text, "%sk%u=%s", text->len > 0 ? " " : "", i, model->values[i]);
  return g_string_free (text, FALSE);
}

/* Writes two keys as one, deletes a third. Returns whether that was answered as done. */
static gboolean
write_something (Model *model)
{
  guint round = model->rounds++;
  guint places[] = { round % KEYS, (round + 1) % KEYS, (round + 3) % KEYS };
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
  g_autofree char *padding = g_strnfill (model->padding, 'x');
  g_autofree char *value = g_strdup_printf ("v%u%s", round, padding);
  g_autoptr (KvOutcome) outcome = NULL;
  g_autoptr (GError) error = NULL;
  char keys[3][8];

  for (guint i = 0; i < 3; i++)
    g_snprintf (keys[i], sizeof keys[i], "k%u", places[i]);
  kv_transaction_put (transaction, keys[0], value, -1, NULL);
  kv_transaction_put (transaction, keys[1], value, -1, NULL);
  kv_transaction_delete (transaction, keys[2], NULL);
  outcome = kv_store_commit (model->opened.store, transaction, &error);
  if (outcome == NULL)
    {
      g_assert_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE);
      model->failures++;
      return FALSE;
    }
  g_clear_pointer (&model->values[places[2]], g_free);
  for (guint i = 0; i < 2; i++)
    {
      g_free (model->values[places[i]]);
      model->values[places[i]] = g_strdup (value);
    }
  return TRUE;
}

static void
assert_kept (Model *model)
{
  g_autofree char *expected = describe (model);
  g_autofree char *shown = opened_describe (&model->opened, KEYS);
  g_autofree char *crashed = opened_read_copy (&model->opened);

  g_assert_cmpstr (shown, ==, expected);
  g_assert_cmpstr (crashed, ==, expected);
}

/* Waits until writing works again. */
static void
await_health (Model *model)
{
  gint64 end = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;

  while (!write_something (model))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, end);
      g_usleep (10000);
    }
}

static void
run_round_of (gsize padding, guint kinds, int after, int times)
{
  Model model = { .padding = padding };
  gboolean failed = FALSE;

  opened_set_up (&model.opened);
  opened_open (&model.opened, KV_DURABILITY_STRICT);
  for (guint i = 0; i < 3; i++)
    g_assert_true (write_something (&model));

  fault_vfs_set (kinds, after, times);
  for (guint i = 0; i < 12 && !failed; i++)
    failed = !write_something (&model);
  /* A fault where SQLite can do without, such as cutting the log, is none. */
  g_assert_true (!failed || fault_vfs_count () > 0);
  assert_kept (&model);
  fault_vfs_set (0, 0, 0);
  await_health (&model);
  assert_kept (&model);
  g_assert_true (opened_close (&model.opened));

  opened_open (&model.opened, KV_DURABILITY_STRICT);
  assert_kept (&model);
  opened_tear_down (&model.opened);
  for (guint i = 0; i < KEYS; i++)
    g_free (model.values[i]);
}

static void
run_round (guint kinds, int after, int times)
{
  run_round_of (0, kinds, after, times);
}

/* A journal on such a disk has warnings to write. */
static GLogWriterOutput
swallow (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  if ((level & G_LOG_LEVEL_MASK) >= G_LOG_LEVEL_WARNING)
    return G_LOG_WRITER_HANDLED;
  return g_log_writer_default (level, fields, n_fields, user_data);
}

static void
test_one_fault (gconstpointer kinds)
{
  for (int after = 0; after < 40; after++)
    run_round (GPOINTER_TO_UINT (kinds), after, 1);
}

/* In transactions that go to the log in several writes. */
static void
test_one_fault_amid_much (gconstpointer kinds)
{
  for (int after = 0; after < 30; after++)
    run_round_of (100000, GPOINTER_TO_UINT (kinds), after, 1);
}

/* The trial that follows a failure fails too, and is done again a second later. */
static void
test_two_faults (gconstpointer kinds)
{
  for (int after = 0; after < 4; after++)
    run_round (GPOINTER_TO_UINT (kinds), after, 2);
}

static void
test_lasting_fault (gconstpointer kinds)
{
  run_round (GPOINTER_TO_UINT (kinds), 0, -1);
  run_round (GPOINTER_TO_UINT (kinds), 7, -1);
}

/* The log takes what its place does not. It is tried now and then, and not for each write. */
static void
test_log_cannot_be_emptied (void)
{
  Model model = { .padding = 100000 };

  opened_set_up (&model.opened);
  opened_open (&model.opened, KV_DURABILITY_STRICT);
  fault_vfs_set (FAULT_PLACE, 0, -1);
  for (guint i = 0; i < 170; i++)
    g_assert_true (write_something (&model));
  g_assert_cmpint (fault_vfs_count (), >=, 1);
  g_assert_cmpint (fault_vfs_count (), <=, 3);
  assert_kept (&model);
  fault_vfs_set (0, 0, 0);
  g_assert_true (opened_close (&model.opened));
  opened_open (&model.opened, KV_DURABILITY_STRICT);
  assert_kept (&model);
  opened_tear_down (&model.opened);
  for (guint i = 0; i < KEYS; i++)
    g_free (model.values[i]);
}

typedef struct {
  Model model;
  gint answered; /* atomic */
} Doubt;

static gpointer
write_in_thread (gpointer data)
{
  Doubt *doubt = data;
  gboolean written = write_something (&doubt->model);

  g_atomic_int_set (&doubt->answered, TRUE);
  return GINT_TO_POINTER (written);
}

/* The disk does not confirm a transaction, and then takes nothing more: nobody is told anything until it is certain. */
static void
test_in_doubt (void)
{
  Doubt doubt = { 0 };
  Model *model = &doubt.model;
  g_autofree char *expected = NULL, *shown = NULL;
  g_autoptr (GError) error = NULL;
  GThread *thread;

  opened_set_up (&model->opened);
  opened_open (&model->opened, KV_DURABILITY_STRICT);
  g_assert_true (write_something (model));
  expected = describe (model);

  fault_vfs_set (FAULT_SYNC, 0, 1);
  fault_vfs_set_then (FAULT_WRITE);
  thread = g_thread_new ("writer", write_in_thread, &doubt);
  while (fault_vfs_count () < 2)
    g_usleep (1000);
  /* Others are told at once that there is no writing; reads show what was confirmed. */
  g_assert_cmpuint (kv_store_put (model->opened.store, "k9", "x", -1, &error), ==, 0);
  g_assert_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE);
  shown = opened_describe (&model->opened, KEYS);
  g_assert_cmpstr (shown, ==, expected);
  g_usleep (50000);
  g_assert_false (g_atomic_int_get (&doubt.answered));

  fault_vfs_set (0, 0, 0);
  g_assert_false (GPOINTER_TO_INT (g_thread_join (thread)));
  assert_kept (model);
  await_health (model);
  assert_kept (model);
  opened_tear_down (&model->opened);
  for (guint i = 0; i < KEYS; i++)
    g_free (model->values[i]);
}

/* At each step of the opening. */
static void
test_opening (gconstpointer kinds)
{
  Model model = { 0 };
  gboolean opened = FALSE;

  opened_set_up (&model.opened);
  opened_open (&model.opened, KV_DURABILITY_STRICT);
  for (guint i = 0; i < 5; i++)
    g_assert_true (write_something (&model));
  g_assert_true (opened_close (&model.opened));

  for (int after = 0; !opened; after++)
    {
      g_autoptr (GError) error = NULL;

      fault_vfs_set (GPOINTER_TO_UINT (kinds), after, -1);
      opened = opened_try (&model.opened, KV_DURABILITY_STRICT, &error) && fault_vfs_count () == 0;
      fault_vfs_set (0, 0, 0);
      g_assert_cmpint (after, <, 200);
      if (error != NULL)
        {
          g_assert_true (g_str_has_prefix (error->message, model.opened.path));
          opened_open (&model.opened, KV_DURABILITY_STRICT);
        }
      assert_kept (&model);
      opened_close (&model.opened);
    }
  opened_tear_down (&model.opened);
  for (guint i = 0; i < KEYS; i++)
    g_free (model.values[i]);
}

/* At each step of the first opening: what is left of it is no hindrance. */
static void
test_creating (gconstpointer kinds)
{
  gboolean created = FALSE;

  for (int after = 0; !created; after++)
    {
      Model model = { 0 };
      g_autoptr (GError) error = NULL;

      opened_set_up (&model.opened);
      fault_vfs_set (GPOINTER_TO_UINT (kinds), after, -1);
      created = opened_try (&model.opened, KV_DURABILITY_STRICT, &error) && fault_vfs_count () == 0;
      fault_vfs_set (0, 0, 0);
      g_assert_cmpint (after, <, 200);
      if (error != NULL)
        opened_open (&model.opened, KV_DURABILITY_STRICT);
      await_health (&model);
      assert_kept (&model);
      opened_tear_down (&model.opened);
      for (guint i = 0; i < KEYS; i++)
        g_free (model.values[i]);
    }
}

/* A disk that can be read, and takes nothing: there are the keys, and what is written is refused until it is kept again. */
static void
test_opening_to_read (KvDurability durability, guint kinds)
{
  Model model = { 0 };
  g_autofree char *expected = NULL, *shown = NULL;

  opened_set_up (&model.opened);
  opened_open (&model.opened, KV_DURABILITY_STRICT);
  g_assert_true (write_something (&model));
  g_assert_true (opened_close (&model.opened));

  fault_vfs_set (kinds, 0, -1);
  opened_open (&model.opened, durability);
  g_assert_cmpint (fault_vfs_count (), >, 0);
  g_assert_false (write_something (&model));
  expected = describe (&model);
  shown = opened_describe (&model.opened, KEYS);
  g_assert_cmpstr (shown, ==, expected);
  /* It may be stopped as it is. */
  opened_close (&model.opened);
  opened_open (&model.opened, durability);
  g_assert_false (write_something (&model));
  fault_vfs_set (0, 0, 0);
  await_health (&model);
  g_assert_true (opened_close (&model.opened));
  opened_open (&model.opened, durability);
  assert_kept (&model);
  opened_tear_down (&model.opened);
  for (guint i = 0; i < KEYS; i++)
    g_free (model.values[i]);
}

static void
test_opening_to_read_strict (gconstpointer kinds)
{
  test_opening_to_read (KV_DURABILITY_STRICT, GPOINTER_TO_UINT (kinds));
}

static void
test_opening_to_read_relaxed (gconstpointer kinds)
{
  test_opening_to_read (KV_DURABILITY_RELAXED, GPOINTER_TO_UINT (kinds));
}

/* What was answered in relaxed mode is written when the disk works again. */
static void
test_relaxed (gconstpointer kinds)
{
  Model model = { 0 };
  gint64 end = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;

  opened_set_up (&model.opened);
  opened_open (&model.opened, KV_DURABILITY_RELAXED);
  fault_vfs_set (GPOINTER_TO_UINT (kinds), 0, -1);
  while (write_something (&model))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, end);
      g_usleep (10000);
    }
  {
    g_autofree char *expected = describe (&model);
    g_autofree char *shown = opened_describe (&model.opened, KEYS);

    g_assert_cmpstr (shown, ==, expected);
  }
  fault_vfs_set (0, 0, 0);
  await_health (&model);
  g_assert_true (opened_close (&model.opened));
  opened_open (&model.opened, KV_DURABILITY_RELAXED);
  assert_kept (&model);

  /* Stopped on a disk that fails, it says so. */
  fault_vfs_set (GPOINTER_TO_UINT (kinds), 0, -1);
  g_assert_true (write_something (&model));
  g_assert_false (opened_close (&model.opened));
  fault_vfs_set (0, 0, 0);
  opened_tear_down (&model.opened);
  for (guint i = 0; i < KEYS; i++)
    g_free (model.values[i]);
}

/* At every answer the power goes, and the disk has what it has confirmed and nothing else. */
static void
test_power_cut (gconstpointer padding)
{
  Model model = { .padding = GPOINTER_TO_SIZE (padding) };

  fault_vfs_remember_synced (TRUE);
  opened_set_up (&model.opened);
  for (guint run = 0; run < 3; run++)
    {
      opened_open (&model.opened, KV_DURABILITY_STRICT);
      for (guint i = 0; i < 50; i++)
        {
          g_autofree char *expected = NULL, *synced = NULL;

          g_assert_true (write_something (&model));
          expected = describe (&model);
          synced = opened_read_synced (&model.opened);
          g_assert_cmpstr (synced, ==, expected);
        }
      g_assert_true (opened_close (&model.opened));
    }
  fault_vfs_remember_synced (FALSE);
  opened_tear_down (&model.opened);
  for (guint i = 0; i < KEYS; i++)
    g_free (model.values[i]);
}

static void
add (const char *name, GTestDataFunc func, guint kinds)
{
  g_test_add_data_func (name, GUINT_TO_POINTER (kinds), func);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  g_log_set_writer_func (swallow, NULL, NULL);
  fault_vfs_install ();
  add ("/journal/faults/one/write", test_one_fault, FAULT_WRITE);
  add ("/journal/faults/one/full", test_one_fault, FAULT_FULL);
  add ("/journal/faults/one/sync", test_one_fault, FAULT_SYNC);
  add ("/journal/faults/one/truncate", test_one_fault, FAULT_TRUNCATE);
  add ("/journal/faults/one/read", test_one_fault, FAULT_READ);
  add ("/journal/faults/one/write-amid-much", test_one_fault_amid_much, FAULT_WRITE);
  add ("/journal/faults/one/full-amid-much", test_one_fault_amid_much, FAULT_FULL);
  add ("/journal/faults/one/read-amid-much", test_one_fault_amid_much, FAULT_READ);
  add ("/journal/faults/two/write", test_two_faults, FAULT_WRITE);
  add ("/journal/faults/two/sync-then-write", test_two_faults, FAULT_SYNC | FAULT_WRITE);
  add ("/journal/faults/lasting/full", test_lasting_fault, FAULT_FULL);
  add ("/journal/faults/lasting/sync", test_lasting_fault, FAULT_SYNC);
  g_test_add_func ("/journal/faults/log-cannot-be-emptied", test_log_cannot_be_emptied);
  g_test_add_func ("/journal/faults/in-doubt", test_in_doubt);
  add ("/journal/faults/opening/open", test_opening, FAULT_OPEN);
  add ("/journal/faults/opening/read", test_opening, FAULT_READ);
  add ("/journal/faults/opening/write", test_opening, FAULT_WRITE);
  add ("/journal/faults/opening/full", test_opening, FAULT_FULL);
  add ("/journal/faults/opening/sync", test_opening, FAULT_SYNC);
  add ("/journal/faults/creating/write", test_creating, FAULT_WRITE);
  add ("/journal/faults/creating/full", test_creating, FAULT_FULL);
  add ("/journal/faults/creating/sync", test_creating, FAULT_SYNC);
  add ("/journal/faults/opening-to-read/strict/full", test_opening_to_read_strict, FAULT_FULL);
  add ("/journal/faults/opening-to-read/strict/sync", test_opening_to_read_strict, FAULT_SYNC);
  add ("/journal/faults/opening-to-read/relaxed/full", test_opening_to_read_relaxed, FAULT_FULL);
  add ("/journal/faults/relaxed/full", test_relaxed, FAULT_FULL);
  add ("/journal/faults/relaxed/sync", test_relaxed, FAULT_SYNC);
  add ("/journal/faults/power-cut/small", test_power_cut, 0);
  add ("/journal/faults/power-cut/large", test_power_cut, 100000);
  return g_test_run ();
}
