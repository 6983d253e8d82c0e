/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* In place of libFuzzer: runs a target on each file that is named, and on each file of a folder
 * that is named, once. */

#include "fuzz-target.h"

static guint
run_file (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  gsize length;
  guint8 *data;

  /* An assertion that fails does not know the file. */
  g_printerr ("%s\n", path);
  if (!g_file_get_contents (path, &text, &length, &error))
    g_error ("%s", error->message);
  /* Exactly as large as the input is, so that a sanitizer sees a look beyond its end. */
  data = g_memdup2 (text, length);
  LLVMFuzzerTestOneInput (data, length);
  g_free (data);
  return 1;
}

static int
compare_paths (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const char *const *) a, *(const char *const *) b);
}

static guint
run_folder (const char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  g_assert_nonnull (folder);
  while ((name = g_dir_read_name (folder)) != NULL)
    g_ptr_array_add (files, g_build_filename (path, name, NULL));
  g_ptr_array_sort (files, compare_paths);
  for (guint i = 0; i < files->len; i++)
    run_file (g_ptr_array_index (files, i));
  return files->len;
}

int
main (int argc, char **argv)
{
  guint n = 0;

  LLVMFuzzerInitialize (&argc, &argv);
  for (int i = 1; i < argc; i++)
    n += g_file_test (argv[i], G_FILE_TEST_IS_DIR) ? run_folder (argv[i]) : run_file (argv[i]);
  g_print ("%u inputs\n", n);
  return n > 0 ? 0 : 1;
}
