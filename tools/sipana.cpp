// sipana: the program. Argument parsing only; the work is in libsipana.
int main() { return 0; }
