"""Engine processes.

lifecycle     pure: the states of one process, when to start, probe, end, retry      child       runs one process
llama_server  pure: its command line and environment                                  supervisor  keeps them all
probe         the question a fresh engine must answer before it counts as ready       reaper      ends what a crash left
vitals        signs of work that a process shows from outside                         binaries    is the engine there?
device_list   what the engine calls the GPUs                                          tool        runs one to its end
"""
