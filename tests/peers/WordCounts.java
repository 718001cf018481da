import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.IntWritable;
import org.apache.hadoop.io.LongWritable;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.mapreduce.Job;
import org.apache.hadoop.mapreduce.Mapper;
import org.apache.hadoop.mapreduce.Reducer;
import org.apache.hadoop.mapreduce.lib.input.FileInputFormat;
import org.apache.hadoop.mapreduce.lib.output.FileOutputFormat;
import org.apache.hadoop.security.UserGroupInformation;

/**
 * Counts words by MapReduce in this process (LocalJobRunner), from and to the folder whose URL is
 * on each line of the input. Prints each word with its count, and "=> STATUS" on a line after each
 * job.
 * Arguments: a folder of this machine for temporary files, and optionally PRINCIPAL KEYTAB.
 */
public class WordCounts {
    public static class Words extends Mapper<LongWritable, Text, Text, IntWritable> {
        @Override
        protected void map(LongWritable at, Text line, Context context)
                throws IOException, InterruptedException {
            for (String word : line.toString().split(" ")) {
                context.write(new Text(word), new IntWritable(1));
            }
        }
    }

    public static class Sums extends Reducer<Text, IntWritable, Text, IntWritable> {
        @Override
        protected void reduce(Text word, Iterable<IntWritable> counts, Context context)
                throws IOException, InterruptedException {
            int sum = 0;
            for (IntWritable count : counts) {
                sum += count.get();
            }
            context.write(word, new IntWritable(sum));
        }
    }

    public static void main(String[] arguments) throws Exception {
        // The classes of this file are in memory, and the job's threads look for them.
        Thread.currentThread().setContextClassLoader(WordCounts.class.getClassLoader());
        Configuration configuration = new Configuration();
        configuration.set("hadoop.tmp.dir", arguments[0]);
        configuration.set("mapreduce.framework.name", "local");
        configuration.setInt("mapreduce.client.completion.pollinterval", 50);
        configuration.setInt("mapreduce.client.progressmonitor.pollinterval", 50);
        UserGroupInformation.setConfiguration(configuration);
        if (arguments.length > 1) {
            UserGroupInformation.loginUserFromKeytab(arguments[1], arguments[2]);
        }
        BufferedReader lines = new BufferedReader(
                new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null;) {
            int status = 1;
            try {
                status = count(new Configuration(configuration), new Path(line)) ? 0 : 1;
            } catch (Exception failed) {
                failed.printStackTrace();
            }
            System.out.println("=> " + status);
            System.out.flush();
        }
    }

    private static boolean count(Configuration configuration, Path folder) throws Exception {
        FileSystem files = folder.getFileSystem(configuration);
        Path in = new Path(folder, "in");
        Path out = new Path(folder, "out");
        for (int part = 0; part < 2; part++) {
            try (FSDataOutputStream text = files.create(new Path(in, "part" + part))) {
                for (int line = 0; line < 1000; line++) {
                    text.writeBytes("the word and the number " + line % 10 + "\n");
                }
            }
        }
        Job job = Job.getInstance(configuration, "words");
        job.setJarByClass(WordCounts.class);
        job.setMapperClass(Words.class);
        job.setReducerClass(Sums.class);
        if (UserGroupInformation.isSecurityEnabled()) {
            // With security, reducers in this process need Hadoop's native library.
            job.setNumReduceTasks(0);
        }
        job.setOutputKeyClass(Text.class);
        job.setOutputValueClass(IntWritable.class);
        FileInputFormat.addInputPath(job, in);
        FileOutputFormat.setOutputPath(job, out);
        if (!job.waitForCompletion(false)) {
            return false;
        }
        Map<String, Integer> sums = new TreeMap<>();
        for (FileStatus part : files.listStatus(out, path -> path.getName().startsWith("part-"))) {
            try (BufferedReader counted = new BufferedReader(
                    new InputStreamReader(files.open(part.getPath()), StandardCharsets.UTF_8))) {
                counted.lines().map(line -> line.split("\t"))
                        .forEach(pair -> sums.merge(pair[0], Integer.parseInt(pair[1]),
                                Integer::sum));
            }
        }
        sums.forEach((word, sum) -> System.out.println(word + "\t" + sum));
        return files.exists(new Path(out, "_SUCCESS")) && files.delete(folder, true);
    }
}
