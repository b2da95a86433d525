/* Feeds files, and the files of directories, to a fuzz target: with any compiler, without
 * libFuzzer. So every build replays the corpora. */
#include "target.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* The input ends where its malloc ends, so that ASan sees a byte too far. */
static int
replay_file(const char *path)
{
    struct stat st;
    FILE *f = fopen(path, "rb");
    if (f == NULL || fstat(fileno(f), &st) != 0) {
        perror(path);
        exit(1);
    }
    size_t size = (size_t)st.st_size;
    uint8_t *data = malloc(size ? size : 1);
    must(data != NULL && fread(data, 1, size, f) == size);
    fclose(f);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 1;
}

static int
replay(const char *path)
{
    int n = 0;
    DIR *dir = opendir(path);
    if (dir == NULL)
        return replay_file(path);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.')
            n += replay_file(file);
    }
    closedir(dir);
    return n;
}

int
main(int argc, char **argv)
{
    int n = 0;
    for (int i = 1; i < argc; i++)
        n += replay(argv[i]);
    printf("%d inputs replayed\n", n);
    return n == 0;
}
