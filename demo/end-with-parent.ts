/**
 * Preloaded into the Keyward process of the sample clinic: ends it in order when the program that started it is gone, even
 * where that was killed and could say nothing. Otherwise its port would stay taken.
 */
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))
process.channel?.unref()
